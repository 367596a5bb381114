// The sandbox's test of itself: the launcher runs itself inside and tries to do harm.
#pragma once

// Tries each attack once, harmlessly, and prints the names of those that succeeded as one line of JSON.
int attack(void);
