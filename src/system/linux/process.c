/* The process as a whole: its page size, its clocks and its forks. */
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

void fm_sys_binary_streams(void)
{
}

unsigned long fm_sys_process_id(void)
{
  return (unsigned long)getpid();
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
  static atomic_int processors; /* sysconf(3) reads a file */
  if (processors == 0) processors = (int)sysconf(_SC_NPROCESSORS_ONLN);
  return processors > 1;
}

/* {-- Forks ------------------------------------------------------------------------------------- */

/* Locked while a thread forks, so that the child finds the process's lists complete. */
static pthread_mutex_t process_lock = PTHREAD_MUTEX_INITIALIZER;

static atomic_uint forks;

/* The count changes before the child exists: a thread that closes a section then knows of every child that
** may hold it. */
static void before_fork(void)
{
  pthread_mutex_lock(&process_lock);
  forks++;
}

static void start(void)
{
  pthread_atfork(before_fork, fm_sys_unlock_process, fm_sys_unlock_process);
}

static pthread_once_t once = PTHREAD_ONCE_INIT;

unsigned fm_linux_forks(void)
{
  pthread_once(&once, start);
  return forks;
}

void fm_sys_lock_process(void)
{
  pthread_once(&once, start);
  pthread_mutex_lock(&process_lock);
}

void fm_sys_unlock_process(void)
{
  pthread_mutex_unlock(&process_lock);
}

#endif
