#include "fuzz.h"

#include <stdio.h>

void fz_fail(const char *what, const char *file, int line)
{
  fprintf(stderr, "%s:%d: check failed: %s\n", file, line, what);
  abort();
}

int fz_expect(int code, const fm_error *e, unsigned allowed, const char *file, int line)
{
  char text[300];
  if (code < 0 || code > FM_SYSTEM || !(CODE(code) & allowed)) {
    snprintf(text, sizeof text, "the code %s (%s)", fm_word(code), e->detail);
    fz_fail(text, file, line);
  }
  if (code != FM_OK && (e->code != code || e->detail[0] == '\0' || e->native == -1)) {
    snprintf(text, sizeof text, "the error of code %s, which is %s (%s)", fm_word(code),
             fm_word(e->code), e->detail);
    fz_fail(text, file, line);
  }
  return code;
}

/* {-- The bytes --------------------------------------------------------------------------------- */

static const uint8_t *front, *back;
static void *given, *room;

void fz_begin(const uint8_t *data, size_t size)
{
  front = data;
  back = data + size;
  fz_share(NULL, 0);
  fz_call();
}

bool fz_has_more(void)
{
  return front < back;
}

uint8_t fz_byte(void)
{
  return front < back ? *front++ : 0;
}

static uint32_t choose(uint8_t (*next)(void))
{
  const uint8_t kind = next();
  const uint32_t power = 1u << (kind & 31);
  switch (kind >> 5) {
    case 0: return kind;
    case 1: return power;
    case 2: return power - 1;
    case 3: return power + 1;
    case 4: return 0u - (kind & 31);
    case 5: return (uint32_t)next() << 3;
    case 6: return (uint32_t)next() << 8 | next();
    default: {
      const uint32_t high = (uint32_t)next() << 24 | (uint32_t)next() << 16;
      return high | (uint32_t)next() << 8 | next();
    }
  }
}

uint32_t fz_word(void)
{
  return choose(fz_byte);
}

uint32_t fz_below(uint32_t end)
{
  if (end == 0) return 0;
  return end > 256 ? fz_word() % end : fz_byte() % end;
}

static void *replace(void **buffer, size_t length)
{
  free(*buffer);
  *buffer = malloc(length);
  CHECK(*buffer);
  return *buffer;
}

const void *fz_data(size_t length)
{
  return memset(replace(&given, length), 0xA5, length);
}

void *fz_room(size_t length)
{
  return replace(&room, length);
}

/* {-- The hostile process ------------------------------------------------------------------------ */

static uint8_t *shared;
static size_t shared_size;
static long steps;

void (*fz_more)(uint8_t what);
void *(*fz_memory)(size_t *size);

void fz_share(void *memory, size_t size)
{
  shared = memory;
  shared_size = size;
}

void fz_call(void)
{
  steps = 0;
}

static uint8_t from_back(void)
{
  return front < back ? *--back : 0;
}

/* The first words of the memory are the fields of headers, positions and the table. They are written more
** often than the bytes after them. The hostile process also writes where no process has a view yet. */
__attribute__((no_sanitize("address", "alignment"))) static void write_word(uint8_t what)
{
  if (fz_memory) shared = fz_memory(&shared_size);
  if (!shared) return;
  const size_t words = shared_size / sizeof(uint32_t);
  const size_t near = words < 64 ? words : 64;
  if (words == 0) return;
  volatile uint32_t *at = (volatile uint32_t *)(void *)shared;
  at += what & 1 ? from_back() % near : (size_t)choose(from_back) % words;
  const uint32_t value = choose(from_back);
  *at = what & 2 ? *at + value : value;
}

void fz_interfere(void)
{
  CHECK(++steps < 1000000);
  const uint8_t what = from_back();
  if (what < 0x40) return;
  if (what < 0xF0) write_word(what);
  else if (fz_more) fz_more(what);
}

void fm_test_hook(const char *name)
{
  (void)name;
  fz_interfere();
}
