"""What may go wrong while a run is carried out: each fault is done to real hosts and processes."""
