"""What every machine has: the event clock, the input port, disk images, the contract of boards."""
