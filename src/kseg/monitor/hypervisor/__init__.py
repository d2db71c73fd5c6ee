"""A virtual machine monitor for the R3000: guest kernels run in user mode, what traps is emulated.

In the terms of Popek and Goldberg (1974) it has a *dispatcher*, to which every trap comes, an
*allocator*, which gives out the hardware's memory, and *interpreter routines*, which do to the
virtual processor what a privileged instruction would have done to the real one. Read `world` (what
there is), `dispatcher` (what happens at a trap), `shadow_tlb`, `allocator`, then `hypervisor`.
Dispatcher and shadow TLB are typed Python: CPython runs them, and they are the machine code too;
`supervision` chooses, `native` compiles and keeps. In the words of today: a trap is a VM exit, the
shadow TLB is the shadow page table, the allocator does dirty tracking, page sharing and
ballooning's work (memory that a guest does not touch takes none).
"""
