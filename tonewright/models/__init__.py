"""Base models, generation through llama.cpp, and the registry of what was promoted."""
