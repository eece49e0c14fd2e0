/* The process: its clock, its pages, and the lock for its lists. */
#include "win32.h"

#if FM_SYSTEM_WINDOWS

const char *fm_platform(void)
{
  return "win32";
}

size_t fm_page_size(void)
{
  SYSTEM_INFO info;
  GetSystemInfo(&info);
  return info.dwPageSize;
}

double fm_now(void)
{
  LARGE_INTEGER ticks, per_second;
  QueryPerformanceCounter(&ticks);
  QueryPerformanceFrequency(&per_second);
  return (double)ticks.QuadPart / (double)per_second.QuadPart;
}

size_t fm_granularity(void)
{
  SYSTEM_INFO info;
  GetSystemInfo(&info);
  return info.dwAllocationGranularity;
}

uint64_t fm_sys_ticks(void)
{
  return GetTickCount64();
}

void fm_sys_pause(double seconds)
{
  const double ms = seconds * 1e3;
  Sleep(ms < 1 ? 1 : (DWORD)ms);
}

void fm_sys_relax(void)
{
  YieldProcessor();
}

bool fm_sys_is_parallel(void)
{
  DWORD_PTR ours, all;
  return !GetProcessAffinityMask(GetCurrentProcess(), &ours, &all) || (all & (all - 1)) != 0;
}

/* Windows has no fork, but two threads must not change a list of the process at the same time. */
static SRWLOCK process_lock = SRWLOCK_INIT;

void fm_sys_lock_process(void)
{
  AcquireSRWLockExclusive(&process_lock);
}

void fm_sys_unlock_process(void)
{
  ReleaseSRWLockExclusive(&process_lock);
}

#endif
