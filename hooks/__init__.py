"""Code that Copier runs during an update."""
