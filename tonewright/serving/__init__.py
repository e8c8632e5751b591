"""An OpenAI-compatible server on this machine: the voice wherever programs already know how to ask for one."""
