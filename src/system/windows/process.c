/* The process: its clock, its pages, and the lock for its lists. */
#include "win32.h"

#if FM_SYSTEM_WINDOWS

#include <fcntl.h>
#include <io.h>

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

#ifndef CREATE_WAITABLE_TIMER_HIGH_RESOLUTION
#define CREATE_WAITABLE_TIMER_HIGH_RESOLUTION 0x2
#endif

bool fm_win32_wait_precisely(double seconds, HANDLE other)
{
  const LARGE_INTEGER due = {.QuadPart = -(LONGLONG)(seconds * 1e7) - 1}; /* relative, in 100 ns */
  const HANDLE timer = CreateWaitableTimerExW(NULL, NULL, CREATE_WAITABLE_TIMER_HIGH_RESOLUTION,
                                              TIMER_MODIFY_STATE | SYNCHRONIZE);
  if (!timer) return false;
  const HANDLE both[] = {timer, other};
  const bool waited = SetWaitableTimer(timer, &due, 0, NULL, NULL, FALSE) &&
                      WaitForMultipleObjects(other ? 2 : 1, both, FALSE, INFINITE) != WAIT_FAILED;
  CloseHandle(timer);
  return waited;
}

/* Sleep ends at a tick, up to 16 ms late. */
void fm_sys_pause(double seconds)
{
  const double ms = seconds * 1e3;
  if (!fm_win32_wait_precisely(seconds, NULL)) Sleep(ms < 1 ? 1 : (DWORD)ms);
}

void fm_sys_binary_streams(void)
{
  _setmode(0, _O_BINARY);
  _setmode(1, _O_BINARY);
}

unsigned long fm_sys_process_id(void)
{
  return GetCurrentProcessId();
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
