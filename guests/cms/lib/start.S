/*
 * Where a program begins: the kernel has put argc and argv into $a0 and $a1.
 */
        .set noreorder
        .text
        .globl start
start:
        jal     main
        nop
        jal     exit
        move    $a0, $v0
