/* What concerns the whole process: forks, its clock and its pages. */
#include "linux.h"

#if FM_SYSTEM_LINUX

#include <pthread.h>
#include <time.h>

const char *fm_platform(void)
{
  return "posix";
}

size_t fm_page_size(void)
{
  return (size_t)sysconf(_SC_PAGESIZE);
}

/* mmap(2) takes offsets by the page. */
size_t fm_granularity(void)
{
  return fm_page_size();
}

double fm_now(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

uint64_t fm_sys_ticks(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
  return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

void fm_sys_pause(double seconds)
{
  const time_t whole = (time_t)seconds;
  nanosleep(&(struct timespec){whole, (long)((seconds - (double)whole) * 1e9)}, NULL);
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

/* {-- Forks ------------------------------------------------------------------------------------- */

/* Held while a thread forks, so that a child finds the process's lists whole. */
static pthread_mutex_t process_lock = PTHREAD_MUTEX_INITIALIZER;

static void before_fork(void)
{
  pthread_mutex_lock(&process_lock);
}

static void start(void)
{
  pthread_atfork(before_fork, fm_sys_unlock_process, fm_sys_unlock_process);
}

void fm_sys_lock_process(void)
{
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, start);
  pthread_mutex_lock(&process_lock);
}

void fm_sys_unlock_process(void)
{
  pthread_mutex_unlock(&process_lock);
}

#endif
