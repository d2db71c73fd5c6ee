"""Virtualisability: Popek and Goldberg's conditions, checked on the declared instructions by
executing them.

G. J. Popek, R. P. Goldberg: "Formal Requirements for Virtualizable Third Generation
Architectures", Communications of the ACM 17(7), 1974. docs/virtualisability.md says how the
paper's machine is found in an R3000.

Read in this order: `states`, which sorts the processor's state into the paper's; `execution`;
`subjects` and `sampling`, what is executed and from which states; `classification`, the
definitions; `theorems`, the verdicts.
"""
