// Error: what stops the program; its text is the one line that the user sees.

#pragma once
#include <stdexcept>

namespace slotforge {

struct Error : std::runtime_error {
    using std::runtime_error::runtime_error;
};

} // namespace slotforge
