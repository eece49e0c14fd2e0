#include "seam.h"

#include "../simulated/simulated.h"

static long calls_to_failure;

static bool fails(void)
{
  return calls_to_failure > 0 && --calls_to_failure == 0;
}

static bool is_parallel(void)
{
  return fz_byte() & 1;
}

static void do_more(uint8_t what)
{
  if (what == 0xFF) simulated_truncate();
  else if (what == 0xFE) calls_to_failure = 1;
  else if (what == 0xFD) calls_to_failure = 2;
  else simulated_toggle_seat(what & 8 ? 1 + (what & 7) : what & 7);
}

void seam_begin(void)
{
  static const simulated_hooks hooks = {.act = fz_interfere, .fails = fails, .parallel = is_parallel};
  simulated_begin(&hooks, 10e-6);
  calls_to_failure = 0;
  fz_more = do_more;
  fz_memory = simulated_memory;
}

void seam_end(void)
{
  simulated_drop_all();
  CHECK(simulated_count() == 0 && fm_live() == 0);
}

static void plant(fm_purpose purpose, fm_object_kind kind, uint16_t version, const uint32_t sizes[4],
                  size_t size)
{
  fm_header h = {.magic = FM_OBJECT_MAGIC, .kind = (uint16_t)kind, .version = version, .size = size};
  const uint8_t how = fz_byte();
  memcpy(h.sizes, sizes, sizeof h.sizes);
  if (how & 1) ((uint32_t *)(void *)&h)[fz_below(8)] = fz_word();
  const size_t committed = how & 2 || how & 8 ? size : how & 4 ? fz_below((uint32_t)size) : 0;
  simulated_create("it", purpose, &h, sizeof h, size, committed, how > 200);
}

void seam_plant(fm_object_kind kind, uint16_t version, const uint32_t sizes[4], size_t size)
{
  plant(FM_FOR_MEMORY, kind, version, sizes, size);
}

void seam_plant_sync(fm_object_kind kind, uint16_t version, const uint32_t sizes[4], size_t size)
{
  plant(FM_FOR_SYNC, kind, version, sizes, size);
}

void seam_fork(void)
{
  simulated_fork();
}

double seam_timeout(void)
{
  static const double timeouts[] = {0, 0, 0.001, 0.1, 1};
  return timeouts[fz_byte() % 5];
}
