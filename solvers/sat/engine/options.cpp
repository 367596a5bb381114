#include "options.hpp"

#include "error.hpp"
#include "output.hpp"
#include "slots.hpp"

#include <charconv>
#include <cmath>
#include <string_view>

namespace slotforge {

namespace {

template <class Number> Number number_of(const std::string &option, const std::string &text) {
    Number number{};
    const char *const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc() || stop != end) throw Error(option + ": '" + text + "' is no number that it can take");
    return number;
}

double seconds_of(const std::string &option, const std::string &text) {
    const auto seconds = number_of<double>(option, text);
    if (!(seconds >= 0)) throw Error(option + ": '" + text + "' is no time");
    return seconds;
}

int descriptor_of(const std::string &option, const std::string &text) {
    const auto descriptor = number_of<int>(option, text);
    if (descriptor < 0) throw Error(option + ": '" + text + "' is no file descriptor");
    return descriptor;
}

struct Option {
    const char *name;
    const char *value; // what its value is called; null when it has none
    const char *help;
    void (*set)(Options &, const std::string &name, const std::string &value);
};

using Text = const std::string &;

// To add an option, add a line.
constexpr Option table[] = {
    {"--slot", "SLOT=POLICY", "use a built-in variant, or a shared object by its path (with a slash)",
     [](Options &o, Text, Text v) { o.slots.push_back(v); }},
    {"--param", "SLOT.NAME=VALUE", "set a number of the slot's policy (clamped to its range)",
     [](Options &o, Text, Text v) { o.parameters.push_back(v); }},
    {"--seed", "N", "other order and phases at the start (0: none)",
     [](Options &o, Text n, Text v) { o.seed = number_of<std::uint64_t>(n, v); }},
    {"--conflict-limit", "N", "give up after so many conflicts",
     [](Options &o, Text n, Text v) { o.limits.conflicts = number_of<std::uint64_t>(n, v); }},
    {"--tick-limit", "N", "give up after so many ticks (cache lines touched)",
     [](Options &o, Text n, Text v) { o.limits.ticks = number_of<std::uint64_t>(n, v); }},
    {"--time-limit", "SECONDS", "give up after so many CPU seconds of the process",
     [](Options &o, Text n, Text v) { o.limits.cpu_seconds = seconds_of(n, v); }},
    {"--proof", "FILE", "write a DRAT proof", [](Options &o, Text, Text v) { o.proof_path = v; }},
    {"--proof-fd", "N", "write the proof to an open file descriptor",
     [](Options &o, Text n, Text v) { o.proof_descriptor = descriptor_of(n, v); }},
    {"--binary-proof", nullptr, "write the proof in binary DRAT",
     [](Options &o, Text, Text) { o.proof_format = Proof::Format::binary; }},
    {"--no-model", nullptr, "do not print the model", [](Options &o, Text, Text) { o.model = false; }},
    {"--stats", nullptr, "print statistics as comments", [](Options &o, Text, Text) { o.statistics = true; }},
    {"--json", nullptr, "print one line of JSON instead", [](Options &o, Text, Text) { o.json = true; }},
    {"--session", nullptr, "solve incrementally by commands from standard input (see session.hpp)",
     [](Options &o, Text, Text) { o.session = true; }},
    {"--list-slots", nullptr, "print slots, variants and parameters as JSON",
     [](Options &o, Text, Text) { o.list_slots = true; }},
    {"--version", nullptr, "print the version", [](Options &o, Text, Text) { o.version = true; }},
    {"--help", nullptr, "print this text", [](Options &o, Text, Text) { o.help = true; }},
};

const Option &find_option(std::string_view name) {
    for (const Option &option : table)
        if (name == option.name) return option;
    throw Error("unknown option '" + std::string(name) + "'; see --help");
}

std::pair<std::string, std::string> split(const std::string &text, char at, const char *form) {
    const std::size_t position = text.find(at);
    if (position == std::string::npos) throw Error("'" + text + "' is not of the form " + form);
    return {text.substr(0, position), text.substr(position + 1)};
}

std::string slot_names(Policies &policies) {
    std::vector<const char *> names;
    each_slot(policies, [&names](const char *name, auto &) { names.push_back(name); });
    std::string text;
    for (const char *name : names) text.append(text.empty() ? "" : ", ").append(name);
    return text;
}

// Calls act(policy) for the slot of that name. Throws Error when there is none.
template <class Act> void with_slot(Policies &policies, const std::string &slot, Act act) {
    bool found = false;
    each_slot(policies, [&](const char *name, auto &policy) {
        if (slot != name) return;
        found = true;
        act(policy);
    });
    if (!found) throw Error("unknown slot '" + slot + "'; the slots are " + slot_names(policies));
}

void set_parameter(Param *declared, const std::string &slot, const std::string &name, double value) {
    std::string known;
    for (Param *parameter = declared; parameter; parameter = parameter->next()) {
        if (name == parameter->name()) return parameter->set(value);
        known = parameter->name() + (known.empty() ? "" : ", " + known);
    }
    throw Error("the policy of slot " + slot + " has no parameter '" + name + "'; it has " +
                (known.empty() ? "none" : known));
}

std::string json_of_parameters(Param *declared) {
    std::string text;
    for (Param *p = declared; p; p = p->next()) {
        const std::string member =
            quoted(p->name()) + ":[" + shortest(*p) + "," + shortest(p->low()) + "," + shortest(p->high()) + "]";
        text = member + (text.empty() ? "" : "," + text);
    }
    return "{" + text + "}";
}

// What is done for each of twelve slots is compiled twelve times where it is not in a function of its own.
void append_member(std::string &text, const char *name, const std::string &value) {
    text.append(text.empty() ? "" : ",").append(quoted(name)).append(":").append(value);
}

} // namespace

Options Options::parse(int count, char **words) {
    Options options;
    bool named = false;
    for (int i = 1; i < count; ++i) {
        const std::string word = words[i];
        if (word == "-" || word.empty() || word[0] != '-') {
            if (named) throw Error("more than one file: '" + options.file + "' and '" + word + "'");
            options.file = word;
            named = true;
            continue;
        }
        const std::size_t equals = word.find('=');
        const std::string name = word.substr(0, equals);
        const Option &option = find_option(name);
        if (!option.value) {
            if (equals != std::string::npos) throw Error(name + " takes no value");
            option.set(options, name, "");
        } else if (equals != std::string::npos) {
            option.set(options, name, word.substr(equals + 1));
        } else if (++i < count) {
            option.set(options, name, words[i]);
        } else {
            throw Error(name + " needs a value: " + option.value);
        }
    }
    return options;
}

std::string Options::usage() {
    constexpr std::size_t column = 30;
    std::string text = "usage: slotforge-sat [FILE|-] [OPTION]...\n\n"
                       "Decides a formula in DIMACS CNF (also .gz, .xz, .bz2, .zst, or standard input).\n"
                       "Exit status: 10 satisfiable, 20 unsatisfiable, 0 unknown, 1 error.\n\n";
    for (const Option &option : table) {
        const std::string left = std::string(option.name) + " " + (option.value ? option.value : "");
        const std::string gap(left.size() < column ? column - left.size() : 1, ' ');
        text += "  " + left + gap + option.help + "\n";
    }
    return text;
}

void Options::apply_to(Policies &policies) const {
    for (const std::string &choice : slots) {
        const auto [slot, policy] = split(choice, '=', "SLOT=POLICY");
        with_slot(policies, slot, [&slot = slot, &policy = policy](auto &chosen) { chosen.choose(slot, policy); });
    }
    for (const std::string &setting : parameters) {
        const auto [place, text] = split(setting, '=', "SLOT.NAME=VALUE");
        const auto [slot, name] = split(place, '.', "SLOT.NAME=VALUE");
        const auto value = number_of<double>("--param " + place, text);
        if (std::isnan(value)) throw Error("--param " + place + ": '" + text + "' is no number that it can take");
        with_slot(policies, slot, [&slot = slot, &name = name, value](auto &policy) {
            set_parameter(policy.parameters(), slot, name, value);
        });
    }
}

std::string list_slots(Policies &policies) {
    std::string text;
    each_slot(policies, [&text](const char *slot, auto &policy) {
        std::string variants;
        policy.each_variant([&variants](const char *name, Param *parameters) {
            append_member(variants, name, json_of_parameters(parameters));
        });
        append_member(text, slot, "{" + variants + "}");
    });
    return "{" + text + "}\n";
}

} // namespace slotforge
