"""Events of normal life, and of insiders and taken-over accounts among it, with the truth; frozen since it was first measured with."""
