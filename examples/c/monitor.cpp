// The thermostat's other side in C++: orders a temperature, and prints each reading until the room
// is as warm.
// The thermostat may be the program in C (thermostat.c) or a script.
//
//   monitor DEGREES [NAME]
//
// Build it against an installed filemap, by CMake (CMakeLists.txt) or with pkg-config:
//
//   c++ monitor.cpp $(pkg-config --cflags --libs filemap) -o monitor
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>

#include <filemap.h>

#include "thermostat.h"

namespace {

// Turns a code into an exception. `e` is what the call filled.
void check(int code, const std::string &name, const fm_error &e)
{
  if (code != FM_OK) throw std::runtime_error(name + ": " + e.detail + " (" + fm_word(e.code) + ")");
}

// Closes what a call opened, at the end of its block.
template <typename T> struct closer {
  void (*close)(T *);
  void operator()(T *object) const { close(object); }
};
using state_handle = std::unique_ptr<fm_state, closer<fm_state>>;
using mailslot_handle = std::unique_ptr<fm_mailslot, closer<fm_mailslot>>;

state_handle open_state(const std::string &name)
{
  fm_state *state = nullptr;
  fm_error e;
  check(fm_state_open(&state, name.c_str(), &e), name, e);
  return state_handle(state, {fm_state_close});
}

mailslot_handle open_mailslot(const std::string &name)
{
  fm_mailslot *slot = nullptr;
  fm_error e;
  check(fm_mailslot_open(&slot, name.c_str(), &e), name, e);
  return mailslot_handle(slot, {fm_mailslot_close});
}

// Waits up to 5 seconds for a reading that is newer than `version`.
thermostat_reading wait_for_reading(fm_state *state, std::uint64_t &version)
{
  const void *data = nullptr;
  std::size_t length = 0;
  fm_error e;
  check(fm_state_wait(state, version, 5, &data, &length, &version, &e), fm_state_name(state), e);
  thermostat_reading reading;
  if (length != sizeof reading) throw std::runtime_error("a reading of another size");
  std::memcpy(&reading, data, sizeof reading);
  return reading;
}

void watch(const std::string &degrees, const std::string &name)
{
  const auto orders = open_mailslot(name + THERMOSTAT_ORDERS);
  const auto state = open_state(name);
  const double target = std::stod(degrees);
  const std::string order = "target " + degrees;
  fm_error e;
  check(fm_mailslot_send(orders.get(), order.data(), order.size(), 1, &e), name + THERMOSTAT_ORDERS, e);
  std::uint64_t version = 0;
  thermostat_reading reading;
  do {
    reading = wait_for_reading(state.get(), version);
    std::cout << reading.temperature << " of " << reading.target
              << (reading.heating ? ", heating" : ", off") << std::endl;
  } while (reading.target != target || std::fabs(reading.temperature - target) > 0.25);
}

} // namespace

int main(int argc, char **argv)
try {
  if (argc < 2) throw std::runtime_error("usage: monitor DEGREES [NAME]");
  watch(argv[1], argc > 2 ? argv[2] : THERMOSTAT_NAME);
  return EXIT_SUCCESS;
} catch (const std::exception &e) {
  std::cerr << "monitor: " << e.what() << '\n';
  return EXIT_FAILURE;
}
