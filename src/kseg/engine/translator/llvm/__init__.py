"""The second tier: a region as LLVM IR, guest registers in SSA form.

`lifter` runs one instruction's declaration with symbols, `block_emitter` a block, `emitter` a
region; `compiler` lets LLVM make native code of it.
"""
