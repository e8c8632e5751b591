"""Job folders on another machine, over Fabric."""
