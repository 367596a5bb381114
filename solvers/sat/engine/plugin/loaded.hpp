// Loaded: a policy that was chosen when the program started, called through a plain pointer.

#pragma once
#include "error.hpp"

#include "slotforge/slot.hpp"

#include <dlfcn.h>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace slotforge {

template <class Signature> class Loaded;

template <class Result, class... Arguments> class Loaded<Result(Arguments...)> {
  public:
    using Entry = Plugin<Result(Arguments...)>;

    // Starts with the first of the built-in variants.
    explicit Loaded(std::span<const Entry> builtins) : builtins_(builtins) { install(builtins.front()); }

    Result operator()(Arguments... arguments) { return call_(policy_.get(), std::forward<Arguments>(arguments)...); }

    // Takes a built-in variant by its name, or a shared object by its path, which has a slash.
    // Throws Error when there is none, or when it is not a policy of this slot.
    void choose(std::string_view slot, const std::string &choice) {
        if (choice.find('/') != std::string::npos) return install(from_file(slot, choice));
        for (const Entry &entry : builtins_)
            if (choice == entry.name) return install(entry);
        std::string known;
        for (const Entry &entry : builtins_) known += std::string(known.empty() ? "" : ", ") + entry.name;
        throw Error("slot " + std::string(slot) + " has no variant '" + choice + "'; choose one of " + known +
                    ", or a path with a slash to a shared object");
    }

    const char *name() const { return name_; }
    Param *parameters() const { return parameters_; }

    // Calls visit(name, parameters) for each built-in variant.
    template <class Visit> void each_variant(Visit visit) const {
        for (const Entry &entry : builtins_) {
            const Storage storage = allocate(entry);
            visit(entry.name, entry.construct(storage.get()));
        }
    }

  private:
    struct Free {
        std::align_val_t alignment{1};
        void operator()(void *storage) const { ::operator delete(storage, alignment); }
    };
    using Storage = std::unique_ptr<void, Free>;

    static Storage allocate(const Entry &entry) {
        const std::align_val_t alignment{entry.alignment};
        return {::operator new(entry.size, alignment), Free{alignment}};
    }

    static const Entry &from_file(std::string_view slot, const std::string &path) {
        void *const library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
        if (!library) throw Error("the shared object cannot be loaded: " + std::string(dlerror()));
        const void *const symbol = dlsym(library, "slotforge_plugin");
        if (!symbol) throw Error(path + ": no symbol slotforge_plugin, so this is no policy");
        const Entry &entry = *static_cast<const Entry *>(symbol);
        if (entry.abi != plugin_abi)
            throw Error(path + ": made for interface " + std::to_string(entry.abi) + ", this solver has " +
                        std::to_string(plugin_abi) + "; build it again");
        if (slot != entry.slot)
            throw Error(path + ": a policy of slot " + entry.slot + ", not of " + std::string(slot));
        return entry;
    }

    void install(const Entry &entry) {
        policy_ = allocate(entry);
        parameters_ = entry.construct(policy_.get());
        call_ = entry.call;
        name_ = entry.name;
    }

    std::span<const Entry> builtins_;
    Storage policy_;
    Param *parameters_ = nullptr;
    Result (*call_)(void *, Arguments...) = nullptr;
    const char *name_ = nullptr;
};

} // namespace slotforge
