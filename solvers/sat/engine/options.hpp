// Options: the command line of slotforge-sat.

#pragma once
#include "limits.hpp"
#include "policies.hpp"
#include "proof.hpp"

#include <optional>
#include <string>
#include <vector>

namespace slotforge {

struct Options {
    std::string file = "-";
    std::vector<std::string> slots;      // SLOT=VARIANT or SLOT=PATH
    std::vector<std::string> parameters; // SLOT.NAME=VALUE
    std::uint64_t seed = 0;
    Limits limits;
    std::string proof_path;
    int proof_descriptor = -1;
    Proof::Format proof_format = Proof::Format::text;
    bool model = true;
    bool statistics = false;
    bool json = false;
    bool session = false;
    bool list_slots = false;
    bool version = false;
    bool help = false;

    // Throws Error for what is not an option, or no value of it.
    static Options parse(int count, char **words);

    // The text of --help.
    static std::string usage();

    // Chooses the policies and sets their parameters. Throws Error.
    void apply_to(Policies &policies) const;
};

// {slot: {variant: {parameter: [default, low, high]}}} as JSON, the default variant first.
std::string list_slots(Policies &policies);

} // namespace slotforge
