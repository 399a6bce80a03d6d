"""Has tasks run by workers on other machines, and brings home what they write."""
