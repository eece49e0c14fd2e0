/* Signals by futex(2), and seats by locks of fcntl(2): the kernel wakes, and the kernel knows who has died. */
#include "posix.h"
#include "signal.h"

#if FM_SYSTEM_POSIX

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>

/* {-- Signals ----------------------------------------------------------------------------------- */

/* membarrier(2), since Linux 4.16: what MEMBARRIER_CMD_GLOBAL_EXPEDITED asks for is done by those who said that they
** go along. One that could not say so goes through fences of its own. */
static bool go_along(void)
{
  return syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0) == 0;
}

void fm_sys_fence_all(void)
{
  atomic_thread_fence(memory_order_seq_cst);
  syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0);
}

static void before_fork(void);
static void in_child(void);

static void start(void)
{
  fm_leave_out_fences = go_along();
  pthread_atfork(before_fork, fm_posix_unlock_process, in_child);
}

static void start_once(void)
{
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, start);
}

int fm_signal_open(fm_signal *out, const fm_map *m, unsigned index, fm_word32 *word, fm_error *e)
{
  (void)m, (void)index, (void)e;
  start_once();
  *out = (fm_signal){.word = word};
  return FM_OK;
}

void fm_signal_close(fm_signal *s)
{
  (void)s;
}

void fm_sys_prepare_sleep(fm_signal *s)
{
  (void)s;
}

static struct timespec time_of(double seconds)
{
  const time_t whole = (time_t)seconds;
  return (struct timespec){whole, (long)((seconds - (double)whole) * 1e9)};
}

/* Not FUTEX_PRIVATE_FLAG: the word is other processes' too. */
void fm_sys_sleep(fm_signal *s, uint32_t seen, double seconds)
{
  const struct timespec t = time_of(seconds);
  syscall(SYS_futex, s->word, FUTEX_WAIT, seen, &t, NULL, 0);
}

void fm_sys_wake(fm_signal *s)
{
  syscall(SYS_futex, s->word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

void fm_sys_pause(double seconds)
{
  const struct timespec t = time_of(seconds);
  nanosleep(&t, NULL);
}

void fm_sys_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
  __asm__ volatile("yield");
#endif
}

bool fm_sys_is_parallel(void)
{
  static atomic_int processors; /* asked once */
  if (processors == 0) processors = (int)sysconf(_SC_NPROCESSORS_ONLN);
  return processors > 1;
}

uint64_t fm_ticks(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
  return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* {-- Seats -------------------------------------------------------------------------------------
**
** A seat is a lock on one byte of an open file description of its own (fm_posix_lock_byte). The kernel drops it with the
** last descriptor. A forked child has copies of all of them, which would let a dead parent look alive: it closes them at
** once. */

static pthread_mutex_t process_lock = PTHREAD_MUTEX_INITIALIZER;
static fm_seat *seats;

static void before_fork(void)
{
  pthread_mutex_lock(&process_lock);
}

void fm_posix_lock_process(void)
{
  start_once();
  pthread_mutex_lock(&process_lock);
}

void fm_posix_unlock_process(void)
{
  pthread_mutex_unlock(&process_lock);
}

static void in_child(void)
{
  for (fm_seat *s = seats; s; s = s->next) {
    close((int)s->handle);
    s->number = 0;
  }
  seats = NULL;
  if (fm_leave_out_fences) fm_leave_out_fences = go_along();
  fm_posix_unlock_process();
}

/* Another description of the file behind a descriptor; /proc leads to it though it may have lost its name. */
static int open_anew(int fd)
{
  char link[40];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  return fm_posix_open(link, O_RDWR, 0);
}

int fm_seat_take(fm_seat *s, const fm_map *m, uint32_t number, fm_error *e)
{
  start_once();
  /* Most that are taken can be told without opening anything. */
  if (fm_posix_see_lock((int)m->handle, number) > 0) return fm_fail(e, FM_IN_USE, NULL);
  fm_posix_lock_process(); /* no fork may come between the opening and the list */
  const int fd = open_anew((int)m->handle);
  int code = fd < 0 ? fm_fail_native(e, errno) : FM_OK;
  const int error = fd < 0 ? 0 : fm_posix_lock_byte(fd, F_WRLCK, number);
  if (error == EAGAIN || error == EACCES) code = fm_fail(e, FM_IN_USE, NULL);
  else if (error != 0) code = fm_fail_native(e, error);
  if (code == FM_OK) {
    *s = (fm_seat){number, fd, seats};
    seats = s;
  } else if (fd >= 0) {
    close(fd);
  }
  fm_posix_unlock_process();
  return code;
}

void fm_seat_leave(fm_seat *s)
{
  if (s->number == 0) return;
  fm_posix_lock_process();
  fm_seat **at = &seats;
  while (*at && *at != s) at = &(*at)->next;
  if (*at) {
    *at = s->next;
    close((int)s->handle);
  }
  fm_posix_unlock_process();
  s->number = 0;
}

/* Who cannot be seen to have died lives: nobody takes what is another's. */
bool fm_seat_is_taken(const fm_map *m, uint32_t number)
{
  return fm_posix_see_lock((int)m->handle, number) != 0;
}

#endif
