/* Semaphores of sem_open(3), which other programs use too: a verbatim name ("/name") stands for one of them.
** Such a name stays until it is unlinked. The C library knows no maximum, so each opener checks its own. */
#include "linux.h"

#if FM_SYSTEM_LINUX

#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

typedef struct posix_semaphore {
  fm_sync base;
  sem_t *sem;
  uint32_t max;
} posix_semaphore;

static posix_semaphore *to_semaphore(fm_sync *s)
{
  return (posix_semaphore *)(void *)s;
}

/* The file that the C library keeps a semaphore in. musl's has the semaphore's own name. */
static void path_of(char out[FM_NAME_SIZE + 16], const fm_name *name)
{
#if defined(__GLIBC__)
  const char *prefix = "sem.";
#else
  const char *prefix = "";
#endif
  snprintf(out, FM_NAME_SIZE + 16, "/dev/shm/%s%s", prefix, name->rest);
}

static int fail_other_file(fm_error *e)
{
  return fm_fail(e, FM_INVALID, "the file of that name in /dev/shm is not a semaphore of sem_open");
}

/* The C library maps what it finds: a file that is too small would end the process, and a FIFO has no
** pages. */
static int check_file(const char *path, fm_error *e)
{
  struct stat st;
  if (lstat(path, &st) != 0) return fm_fail_native(e, errno);
  return S_ISREG(st.st_mode) && st.st_size == (off_t)sizeof(sem_t) ? FM_OK : fail_other_file(e);
}

/* Do its bytes say that processes share it? They are those in which a shared semaphore differs from one of a
** single process. The C library passes them to the kernel, and ends the process if the kernel refuses the
** call. */
static bool is_shared(const sem_t *sem)
{
  union { sem_t sem; unsigned char bytes[sizeof(sem_t)]; } alone, shared;
  const volatile unsigned char *bytes = (const volatile unsigned char *)sem;
  memset(&alone, 0, sizeof alone);
  memset(&shared, 0, sizeof shared);
  if (sem_init(&alone.sem, 0, 0) != 0 || sem_init(&shared.sem, 1, 0) != 0) return false;
  for (size_t i = 0; i < sizeof(sem_t); i++)
    if (alone.bytes[i] != shared.bytes[i] && bytes[i] != shared.bytes[i]) return false;
  return true;
}

static int open_existing(posix_semaphore *s, const fm_name *name, const char *path, fm_error *e)
{
  const int code = check_file(path, e);
  if (code != FM_OK) return code;
  s->sem = sem_open(name->full, 0);
  if (s->sem == SEM_FAILED) return fm_fail_native(e, errno);
  if (is_shared(s->sem)) return FM_OK;
  sem_close(s->sem);
  return fail_other_file(e);
}

/* sem_open applies the umask, which belongs to the whole process. */
static int create_new(posix_semaphore *s, const fm_name *name, const char *path, const fm_sync_options *o,
                      fm_error *e)
{
  s->sem = sem_open(name->full, O_CREAT | O_EXCL, (mode_t)o->mode, o->initial);
  if (s->sem == SEM_FAILED) return fm_fail_native(e, errno);
  (void)!chmod(path, (mode_t)o->mode);
  return FM_OK;
}

/* Another process may create or unlink the name between the two tries. */
static int open_semaphore(fm_sync *base, bool *created, const fm_name *name, const fm_sync_options *o,
                          fm_error *e)
{
  posix_semaphore *s = to_semaphore(base);
  char path[FM_NAME_SIZE + 16];
  path_of(path, name);
  s->max = o->max;
  const int refused = fm_linux_refuse_sddl(o->sddl, e);
  if (refused != FM_OK) return refused;
  if (strchr(name->rest, '/'))
    return fm_fail(e, FM_INVALID, "the name of a semaphore of sem_open has only the / at its start");
  for (int round = 0; round < FM_TRIES; round++) {
    int code = open_existing(s, name, path, e);
    *created = false;
    if (code != FM_NOT_FOUND || o->existing) return code;
    code = create_new(s, name, path, o, e);
    *created = code == FM_OK;
    if (code != FM_EXISTS) return code;
  }
  return fm_fail(e, FM_IN_USE, "the name was created and removed %d times while opening it", FM_TRIES);
}

int fm_posix_semaphore_unlink(const fm_name *name, fm_error *e)
{
  return sem_unlink(name->full) == 0 ? FM_OK : fm_fail_native(e, errno);
}

/* The time `seconds` from now. */
static struct timespec deadline_of(clockid_t clock, double seconds)
{
  struct timespec t;
  clock_gettime(clock, &t);
  const double whole = seconds < 1e9 ? seconds : 1e9;
  const time_t added = (time_t)whole;
  t.tv_sec += added;
  t.tv_nsec += (long)((whole - (double)added) * 1e9);
  if (t.tv_nsec >= 1000000000) {
    t.tv_sec++;
    t.tv_nsec -= 1000000000;
  }
  return t;
}

/* Only glibc's sem_clockwait takes the monotonic clock. */
#if defined(__GLIBC__)
#define HAS_CLOCKWAIT __GLIBC_PREREQ(2, 30)
#else
#define HAS_CLOCKWAIT 0
#endif

static int wait_until(sem_t *sem, double timeout)
{
#if HAS_CLOCKWAIT
  const struct timespec t = deadline_of(CLOCK_MONOTONIC, timeout);
  return sem_clockwait(sem, CLOCK_MONOTONIC, &t);
#else
  const struct timespec t = deadline_of(CLOCK_REALTIME, timeout);
  return sem_timedwait(sem, &t);
#endif
}

static int acquire(fm_sync *base, double timeout, bool *abandoned, fm_error *e)
{
  sem_t *sem = to_semaphore(base)->sem;
  const double until = fm_now() + timeout;
  (void)abandoned;
  if (!is_shared(sem)) return fm_fail(e, FM_CORRUPT, NULL);
  for (;;) {
    const double left = until - fm_now();
    const int result = timeout >= FM_FOREVER ? sem_wait(sem)
                     : left <= 0             ? sem_trywait(sem)
                                             : wait_until(sem, left);
    if (result == 0) return FM_OK;
    if (errno == EAGAIN || errno == ETIMEDOUT) return fm_fail(e, FM_TIMEOUT, NULL);
    if (errno != EINTR) return fm_fail_native(e, errno);
  }
}

/* The count may change between the check and the posts: this opener's maximum holds as far as it can see. */
static int release(fm_sync *base, uint32_t count, fm_error *e)
{
  posix_semaphore *s = to_semaphore(base);
  int value = 0;
  if (!is_shared(s->sem)) return fm_fail(e, FM_CORRUPT, NULL);
  if (sem_getvalue(s->sem, &value) != 0) return fm_fail_native(e, errno);
  if (value < 0) value = 0;
  if ((uint32_t)value > s->max || count > s->max - (uint32_t)value)
    return fm_fail(e, FM_FULL, "its count is %d, and its max %u", value, (unsigned)s->max);
  for (; count > 0; count--)
    if (sem_post(s->sem) != 0) return fm_fail_native(e, errno);
  return FM_OK;
}

static int look(fm_source *source, bool thoroughly, fm_error *e)
{
  (void)thoroughly;
  return acquire(source->object, 0, &source->abandoned, e);
}

/* The C library keeps the word that it sleeps on to itself, so a process that waits for several things looks
** at the semaphore every few milliseconds. */
static int fill_source(fm_sync *base, fm_source *out, fm_error *e)
{
  (void)e;
  *out = (fm_source){.object = base, .look = look};
  return FM_OK;
}

static void close_semaphore(fm_sync *base)
{
  sem_close(to_semaphore(base)->sem);
}

const fm_sync_class fm_posix_semaphore = {
  .size = sizeof(posix_semaphore), .open = open_semaphore, .wait = acquire, .post = release,
  .source = fill_source, .close = close_semaphore,
};

#endif
