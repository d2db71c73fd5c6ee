"""What addresses mean: physical memory and its memory-like windows."""
