#include "output.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <unistd.h>

namespace slotforge {

void write_all(int descriptor, std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = ::write(descriptor, text.data(), text.size());
        if (written < 0 && errno != EINTR) return; // the reader is gone
        if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
    }
}

std::string quoted(std::string_view text) {
    std::string result = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') result += '\\';
        result += c;
    }
    return result + '"';
}

std::string shortest(double number) {
    std::array<char, 32> digits;
    return {digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr};
}

const char *name_of(Answer answer) {
    return answer == Answer::sat ? "sat" : answer == Answer::unsat ? "unsat" : "unknown";
}

std::string json_of(Stop stop) {
    constexpr std::array names = {"null",      "\"conflicts\"", "\"propagations\"",
                                  "\"ticks\"", "\"time\"",      "\"interrupt\""};
    return names[static_cast<std::size_t>(stop)];
}

std::string statistics_members(const Solver &solver) {
    const View &view = solver.view();
    const std::array<std::pair<const char *, std::uint64_t>, 10> counters{{
        {"conflicts", view.conflicts},
        {"decisions", view.decisions},
        {"propagations", view.propagations},
        {"ticks", view.ticks},
        {"restarts", view.restarts},
        {"reductions", view.reductions},
        {"rephases", view.rephases},
        {"mode_switches", view.mode_switches},
        {"inprocessings", view.inprocessings},
        {"learned", view.redundant},
    }};
    std::string text;
    for (const auto &[name, count] : counters) text += quoted(name) + ":" + std::to_string(count) + ",";
    return text + "\"glue\":" + shortest(solver.mean_glue());
}

std::string profile_members(const Solver &solver) {
    const View &view = solver.view();
    const Profile &profile = solver.profile();
    const double conflicts = view.conflicts ? static_cast<double>(view.conflicts) : 1;
    const std::uint64_t elsewhere = profile.analyze + profile.reduce + profile.inprocess;
    const std::array<std::pair<const char *, std::uint64_t>, 5> ticks{{
        {"ticks_propagate", view.ticks - elsewhere},
        {"ticks_analyze", profile.analyze - profile.bump},
        {"ticks_bump", profile.bump},
        {"ticks_reduce", profile.reduce},
        {"ticks_inprocess", profile.inprocess},
    }};
    std::string text = "\"trail\":" + shortest(profile.trail / conflicts);
    for (const auto &[name, count] : ticks)
        text.append(",").append(quoted(name)).append(":").append(std::to_string(count));
    profile.each_slot([&text](const char *name, const Answers &answers) {
        const std::string slot = std::string("slot_").append(name);
        text.append(",").append(quoted(slot + "_calls")).append(":").append(std::to_string(answers.calls));
        text.append(",").append(quoted(slot + "_mean")).append(":").append(shortest(answers.mean()));
    });
    return text;
}

std::string value_lines(const std::vector<int> &model) {
    constexpr std::size_t columns = 78;
    std::string text(1, 'v');
    std::size_t column = 1;
    const auto add = [&](int number) {
        const std::string word = std::to_string(number);
        if (column + 1 + word.size() > columns) {
            text.append("\nv");
            column = 1;
        }
        text.push_back(' ');
        text.append(word);
        column += 1 + word.size();
    };
    for (const int lit : model) add(lit);
    add(0);
    text.push_back('\n');
    return text;
}

std::string words(const std::vector<int> &literals) {
    std::string text;
    for (const int lit : literals) text += std::to_string(lit) + " ";
    return text;
}

} // namespace slotforge
