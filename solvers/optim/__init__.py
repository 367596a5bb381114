"""Step rules of iterative optimizers: how they are written, judged, found and plugged in."""
