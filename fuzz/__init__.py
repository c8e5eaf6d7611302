"""What venues send, broken in every way: the decoders may skip it, never fall over it, never read it as something else."""
