"""What if: what proposed objectives would prove, hide, spare and lose, over alerts whose scores are known."""
