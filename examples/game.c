/* A small game that shares memory with the Lua examples. Like real games it uses only system calls, not
** filemap.
**
**   game telemetry NAME     drives a car round a track and shares the telemetry
**   game feed NAME 16|32    shares its player's position by Mumble Link, as a game with a wchar_t of 16 bits
**                           (on Windows) or 32 bits (elsewhere)
**   game listen NAME 16|32  simulates Mumble: makes the link's memory and prints each update of a game
**
** NAME is the system's name, such as /GameTelemetry or Local\GameTelemetry. The game runs until Enter is
** pressed or its standard input ends. */
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#ifdef _WIN32
#include <windows.h>
#else
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>
#endif

static int fail(const char *what)
{
  printf("game: %s failed\n", what);
  return 1;
}

/* The system ------------------------------------------------------------------------------------------- */

#ifdef _WIN32

static HANDLE section;

static void *share(const char *name, size_t size)
{
  section = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, (DWORD)size, name);
  return section ? MapViewOfFile(section, FILE_MAP_ALL_ACCESS, 0, 0, size) : NULL;
}

static void unshare(const char *name)
{
  (void)name;
  CloseHandle(section);
}

/* Waits for this time; true if the game must end, because of input or the end of input. */
static int over(int milliseconds)
{
  HANDLE input = GetStdHandle(STD_INPUT_HANDLE);
  DWORD available = 0;
  if (GetFileType(input) != FILE_TYPE_PIPE)
    return WaitForSingleObject(input, (DWORD)milliseconds) == WAIT_OBJECT_0;
  Sleep((DWORD)milliseconds);
  return !PeekNamedPipe(input, NULL, 0, NULL, &available, NULL) || available > 0;
}

#else

static void *share(const char *name, size_t size)
{
  const int fd = shm_open(name, O_RDWR | O_CREAT, 0600);
  if (fd < 0 || ftruncate(fd, (off_t)size) != 0) return NULL;
  void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  return memory == MAP_FAILED ? NULL : memory;
}

static void unshare(const char *name)
{
  shm_unlink(name);
}

static int over(int milliseconds)
{
  struct pollfd input = { .fd = 0, .events = POLLIN };
  return poll(&input, 1, milliseconds) != 0;
}

#endif

/* Telemetry -------------------------------------------------------------------------------------------- */

/* The same declarations as in examples/telemetry.lua. */
#pragma pack(push, 4)
typedef struct {
  float temperature, pressure;
  unsigned locked : 1, surface : 3;
} wheel_t;

typedef struct {
  uint32_t version_begin;
  char track[32];
  int lap, gear;
  float speed, rpm;
  double position[3];
  wheel_t wheels[4];
  uint32_t version_end;
} telemetry_t;
#pragma pack(pop)

/* All fields are computed from the time, so that a reader can check that its copy is from one moment. */
static void drive(telemetry_t *car, uint32_t time)
{
  car->version_begin = time;
  atomic_thread_fence(memory_order_seq_cst);
  car->lap = (int)(time / 1000) + 1;
  car->gear = (int)(time % 6) + 1;
  car->speed = (float)(time % 80);
  car->rpm = 1000.0f + 100.0f * (float)(time % 80);
  for (int i = 0; i < 3; i++) car->position[i] = time + i;
  for (int i = 0; i < 4; i++)
    car->wheels[i] = (wheel_t){
      .temperature = (float)(time % 100), .pressure = 26.5f, .locked = time % 2, .surface = (unsigned)i,
    };
  atomic_thread_fence(memory_order_seq_cst);
  car->version_end = time;
}

static int telemetry(const char *name)
{
  telemetry_t *car = share(name, sizeof *car);
  if (!car) return fail(name);
  strcpy(car->track, "N\xc3\xbcrburgring");
  uint32_t time = 1;
  drive(car, time);
  puts("READY");
  fflush(stdout);
  while (!over(5)) drive(car, ++time);
  unshare(name);
  return 0;
}

/* Mumble Link ------------------------------------------------------------------------------------------ */

static void show(uint32_t tick, const char *game, const char *player, const float *at)
{
  printf("tick %u: %s, %s at (%.1f, %.1f, %.1f)\n", (unsigned)tick, game, player, at[0], at[1], at[2]);
  fflush(stdout);
}

/* The shared memory for one width of wchar_t, and its functions. Characters outside ASCII print as question
** marks. */
#define LINK(bits) \
  typedef struct { \
    uint32_t version, tick; \
    float avatar_position[3], avatar_front[3], avatar_top[3]; \
    uint##bits##_t name[256]; \
    float camera_position[3], camera_front[3], camera_top[3]; \
    uint##bits##_t identity[256]; \
    uint32_t context_len; \
    unsigned char context[256]; \
    uint##bits##_t description[2048]; \
  } link##bits; \
\
  static void put##bits(uint##bits##_t *to, const char *text) \
  { \
    do *to++ = (unsigned char)*text; while (*text++); \
  } \
\
  static void get##bits(char *to, const uint##bits##_t *from, int capacity) \
  { \
    while (*from && --capacity > 0) *to++ = *from < 128 ? (char)*from++ : (from++, '?'); \
    *to = 0; \
  } \
\
  static void feed##bits(link##bits *link, uint32_t time) \
  { \
    link->version = 2; \
    put##bits(link->name, "The Game"); \
    put##bits(link->description, "a game to hear oneself in"); \
    put##bits(link->identity, "Jane"); \
    link->avatar_position[0] = (float)time; \
    link->avatar_position[1] = 1.5f; \
    link->avatar_position[2] = -2.0f; \
    link->avatar_front[2] = link->avatar_top[1] = 1.0f; \
    memcpy(link->camera_position, link->avatar_position, sizeof link->camera_position); \
    link->context_len = 6; \
    memcpy(link->context, "room 1", 6); \
    link->tick = time; \
  } \
\
  static void listen##bits(const link##bits *link, uint32_t *heard) \
  { \
    char name[256], identity[256]; \
    if (link->tick == *heard) return; \
    *heard = link->tick; \
    get##bits(name, link->name, sizeof name); \
    get##bits(identity, link->identity, sizeof identity); \
    show(*heard, name, identity, link->avatar_position); \
  } \
\
  static int mumble##bits(const char *name, int feeding) \
  { \
    uint32_t time = 1, heard = 0; \
    link##bits *link = share(name, sizeof *link); \
    if (!link) return fail(name); \
    if (feeding) feed##bits(link, time); \
    puts("READY"); \
    fflush(stdout); \
    while (!over(5)) { \
      if (feeding) feed##bits(link, ++time); \
      else listen##bits(link, &heard); \
    } \
    if (!feeding) listen##bits(link, &heard); \
    unshare(name); \
    return 0; \
  }

LINK(16)
LINK(32)

int main(int argc, char **argv)
{
  if (argc == 3 && !strcmp(argv[1], "telemetry")) return telemetry(argv[2]);
  if (argc == 4 && (!strcmp(argv[1], "feed") || !strcmp(argv[1], "listen"))) {
    const int feeding = !strcmp(argv[1], "feed");
    if (!strcmp(argv[3], "16")) return mumble16(argv[2], feeding);
    if (!strcmp(argv[3], "32")) return mumble32(argv[2], feeding);
  }
  return fail("game telemetry|feed|listen NAME [16|32]");
}
