"""What we observe: probes, samples, rollups, charts and headroom."""
