"""What each base, quantisation and adapter at hand can do on this machine, measured."""
