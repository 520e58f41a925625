"""Where an attempt's processes run: `local` starts, finds and ends them on this machine, `slurm` as jobs or steps of
Slurm. `ticket` and `guard` serve any batch system.

Each satisfies `execution.executor.Executor`, which is all that the worker and recovery know. It may import what
`execution` may.
"""
