# Where a machine or a process begins. No runtime needs anything but a stack.

        .set    noreorder
        .section .start, "ax", @progbits
        .globl  start
start:
        lui     $sp, %hi(stack_top)
        addiu   $sp, $sp, %lo(stack_top)
        jal     main
        addiu   $sp, $sp, -16           # where a callee may put its arguments

        .bss
        .balign 16
        .space  4096
stack_top:
