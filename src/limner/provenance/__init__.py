"""What a result was made from: the files of limner that a run used, and what they said."""
