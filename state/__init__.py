"""Where rows live: a store per partition, an overlay per batch, a changelog that restores the store."""
