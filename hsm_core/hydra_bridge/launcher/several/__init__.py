"""One sweep in several places at once, each with fields of its own."""
