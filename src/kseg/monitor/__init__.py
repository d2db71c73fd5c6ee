"""Who answers an engine's exits: the difference between the ways to run a guest."""
