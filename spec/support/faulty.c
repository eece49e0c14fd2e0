/* faulty: makes chosen calls of the C library fail in filemap's module, one at a time, by name and number.
**
** It is loaded before the C library (LD_PRELOAD), so that its functions replace those of the same names.
** It is also the Lua module by which a process chooses the call that fails. Calls by other code than
** filemap are passed on. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include <lauxlib.h>
#include <lua.h>

static struct {
  char name[32];        /* of the function; empty: no call fails */
  lua_Integer which;    /* the number of the call that fails, from 1 */
  bool onwards;         /* whether all later calls fail too */
  int error;            /* the errno */
  lua_Integer calls;    /* the number of calls so far */
  const void *module;   /* the address of filemap's module */
} fault;

/* (The names with 64 are macros in musl: the string is that of the expansion.) */
#define STRING(name) #name
#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, STRING(name)))

/* Whether all signals are blocked. Then no call can fail with EINTR. */
static bool is_quiet(void)
{
  sigset_t now;
  return NEXT(pthread_sigmask)(SIG_BLOCK, NULL, &now) == 0 && sigismember(&now, SIGALRM) == 1;
}

static bool fails(const char *name, void *caller)
{
  Dl_info info;
  if (strcmp(fault.name, name) != 0 || !dladdr(caller, &info) || info.dli_fbase != fault.module) return false;
  fault.calls++;
  if (fault.calls < fault.which || (fault.calls > fault.which && !fault.onwards)) return false;
  if (fault.error == EINTR && is_quiet()) return false;
  errno = fault.error;
  return true;
}

/* {-- Functions of the C library ---------------------------------------------------------------- */

#define FAILS(name) fails(name, __builtin_return_address(0))

#define WRAP(name, result, failed, parameters, arguments) \
  result name parameters                                  \
  {                                                       \
    return FAILS(#name) ? failed : NEXT(name) arguments;  \
  }

WRAP(eventfd, int, -1, (unsigned count, int flags), (count, flags))
WRAP(pthread_create, int, errno, (pthread_t *restrict id, const pthread_attr_t *restrict attributes,
     void *(*run)(void *), void *restrict context), (id, attributes, run, context))
WRAP(stat64, int, -1, (const char *restrict path, struct stat64 *restrict st), (path, st))
WRAP(lstat64, int, -1, (const char *restrict path, struct stat64 *restrict st), (path, st))
WRAP(fstat64, int, -1, (int fd, struct stat64 *st), (fd, st))
WRAP(fstatfs64, int, -1, (int fd, struct statfs64 *fs), (fd, fs))
WRAP(fstatvfs64, int, -1, (int fd, struct statvfs64 *fs), (fd, fs))
WRAP(memfd_create, int, -1, (const char *name, unsigned flags), (name, flags))
WRAP(ftruncate64, int, -1, (int fd, off64_t size), (fd, size))
WRAP(posix_fallocate64, int, errno, (int fd, off64_t at, off64_t length), (fd, at, length))
WRAP(fallocate64, int, -1, (int fd, int mode, off64_t at, off64_t length), (fd, mode, at, length))
WRAP(pwrite64, ssize_t, -1, (int fd, const void *from, size_t n, off64_t at), (fd, from, n, at))
WRAP(read, ssize_t, -1, (int fd, void *to, size_t n), (fd, to, n))
WRAP(fchmod, int, -1, (int fd, mode_t mode), (fd, mode))
WRAP(flock, int, -1, (int fd, int how), (fd, how))
WRAP(linkat, int, -1, (int from, const char *path, int to, const char *link, int flags),
     (from, path, to, link, flags))
WRAP(readlink, ssize_t, -1, (const char *path, char *target, size_t size), (path, target, size))
WRAP(unlink, int, -1, (const char *path), (path))
WRAP(opendir, DIR *, NULL, (const char *path), (path))
WRAP(readdir64, struct dirent64 *, NULL, (DIR *folder), (folder))
WRAP(mmap64, void *, MAP_FAILED, (void *at, size_t n, int prot, int flags, int fd, off64_t offset),
     (at, n, prot, flags, fd, offset))
WRAP(msync, int, -1, (void *at, size_t n, int flags), (at, n, flags))
WRAP(sem_unlink, int, -1, (const char *name), (name))
WRAP(fsync, int, -1, (int fd), (fd))
WRAP(mlock, int, -1, (const void *at, size_t n), (at, n))
WRAP(munlock, int, -1, (const void *at, size_t n), (at, n))
WRAP(madvise, int, -1, (void *at, size_t n, int advice), (at, n, advice))
WRAP(sigaction, int, -1, (int n, const struct sigaction *restrict a, struct sigaction *restrict old),
     (n, a, old))
WRAP(sigpending, int, -1, (sigset_t *set), (set))
WRAP(pthread_sigmask, int, errno, (int how, const sigset_t *restrict set, sigset_t *restrict old),
     (how, set, old))
WRAP(sched_getaffinity, int, -1, (pid_t pid, size_t n, cpu_set_t *set), (pid, n, set))
sem_t *sem_open(const char *name, int flags, ...)
{
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
  const unsigned value = flags & O_CREAT ? va_arg(arguments, unsigned) : 0;
  va_end(arguments);
  return FAILS("sem_open") ? SEM_FAILED : NEXT(sem_open)(name, flags, mode, value);
}

WRAP(nanosleep, int, -1, (const struct timespec *t, struct timespec *rest), (t, rest))

/* Functions with optional arguments. A missing argument is read and passed on as an arbitrary value, which
** the function ignores. */
int open64(const char *path, int flags, ...)
{
  va_list more;
  va_start(more, flags);
  const mode_t mode = va_arg(more, mode_t);
  va_end(more);
  return FAILS("open64") ? -1 : NEXT(open64)(path, flags, mode);
}

#if !defined(__GLIBC__)
#define fcntl64 fcntl /* musl has one function, and macros for the other names of glibc */
#endif

int fcntl64(int fd, int command, ...)
{
  va_list more;
  va_start(more, command);
  void *argument = va_arg(more, void *);
  va_end(more);
  return FAILS("fcntl64") ? -1 : NEXT(fcntl64)(fd, command, argument);
}

long syscall(long number, ...)
{
  va_list more;
  long a[6];
  va_start(more, number);
  for (int i = 0; i < 6; i++) a[i] = va_arg(more, long);
  va_end(more);
  if (FAILS(number == SYS_futex ? "futex" : "membarrier")) return -1;
  return NEXT(syscall)(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* glibc's dlsym may allocate, so its allocation functions are called by their internal names. */
#if defined(__GLIBC__)
#define NEXT_ALLOCATOR(name) __libc_##name
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t count, size_t n);
void *__libc_realloc(void *p, size_t n);
#else
#define NEXT_ALLOCATOR(name) NEXT(name)
#endif

void *malloc(size_t n)
{
  return FAILS("malloc") ? NULL : NEXT_ALLOCATOR(malloc)(n);
}

void *calloc(size_t count, size_t n)
{
  return FAILS("calloc") ? NULL : NEXT_ALLOCATOR(calloc)(count, n);
}

void *realloc(void *p, size_t n)
{
  return FAILS("realloc") ? NULL : NEXT_ALLOCATOR(realloc)(p, n);
}

/* {-- The Lua module ---------------------------------------------------------------------------- */

/* arm(name, which, errno, onwards): makes call number `which` of that function fail, and with `onwards`
** all later ones. */
static int faulty_arm(lua_State *L)
{
  const char *name = luaL_checkstring(L, 1);
  Dl_info info;
  lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_getfield(L, -1, "filemap.core");
  lua_getfield(L, -1, "live");
  const lua_CFunction ours = lua_tocfunction(L, -1);
  if (!ours || !dladdr((void *)ours, &info)) return luaL_error(L, "filemap is not loaded");
  fault.module = info.dli_fbase;
  fault.which = luaL_checkinteger(L, 2);
  fault.error = (int)luaL_checkinteger(L, 3);
  fault.onwards = lua_toboolean(L, 4);
  fault.calls = 0;
  strncpy(fault.name, name, sizeof fault.name - 1);
  return 0;
}

/* disarm() -> the number of calls of the function since arm */
static int faulty_disarm(lua_State *L)
{
  fault.name[0] = 0;
  lua_pushinteger(L, fault.calls);
  return 1;
}

int luaopen_faulty(lua_State *L);

int luaopen_faulty(lua_State *L)
{
  static const luaL_Reg functions[] = {{"arm", faulty_arm}, {"disarm", faulty_disarm}, {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}
