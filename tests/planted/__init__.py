"""Generated tables whose faults are known cell by cell, and the judge of what a preparation made of them."""
