"""How fast the ReMALIS network acts and learns, beside networks of equal width that say less or nothing."""
