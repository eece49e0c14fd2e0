/* A page that cannot be brought in, since its disk or network has gone, is missed by an exception. The
** handler here acts on our own mappings only: it puts zeros in place of the whole mapping, so that the access
** comes to its end, and marks it, so that whoever made the access can tell. */
#include "win32.h"

#if FM_SYSTEM_WINDOWS

static fm_find_mapped find_mapped;

static bool put_zeros(const fm_mapped *m)
{
  return UnmapViewOfFile(m->base) && VirtualAlloc(m->base, m->length, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
}

/* The first to miss a page puts the zeros there. Others that missed one, or came in between when there was
** nothing at all, which is another exception, try again until there is. */
static LONG CALLBACK on_exception(EXCEPTION_POINTERS *info)
{
  enum { EXECUTING = 8 }; /* of memory that is not for that */
  const EXCEPTION_RECORD *x = info->ExceptionRecord;
  const bool missed = x->ExceptionCode == (DWORD)EXCEPTION_IN_PAGE_ERROR;
  if ((!missed && x->ExceptionCode != (DWORD)EXCEPTION_ACCESS_VIOLATION) || x->NumberParameters < 2 ||
      x->ExceptionInformation[0] == EXECUTING)
    return EXCEPTION_CONTINUE_SEARCH;
  fm_mapped *m = find_mapped((const void *)x->ExceptionInformation[1]);
  if (!m || (!missed && !m->lost)) return EXCEPTION_CONTINUE_SEARCH;
  /* lost is set first: another thread may read the zeros at once */
  if (InterlockedExchange((volatile LONG *)(volatile void *)&m->lost, 1)) SwitchToThread();
  else if (!put_zeros(m)) return EXCEPTION_CONTINUE_SEARCH;
  return EXCEPTION_CONTINUE_EXECUTION;
}

/* The module stays loaded, as its handler stays installed. */
int fm_sys_handle_lost_pages(fm_find_mapped find, fm_error *e)
{
  static INIT_ONCE once = INIT_ONCE_STATIC_INIT;
  BOOL pending;
  HMODULE self;
  if (!InitOnceBeginInitialize(&once, 0, &pending, NULL)) return fm_win32_fail(e);
  if (!pending) return FM_OK;
  find_mapped = find;
  const DWORD flags = GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN;
  const BOOL done = GetModuleHandleExW(flags, (LPCWSTR)&once, &self) && AddVectoredExceptionHandler(1, on_exception);
  const int code = done ? FM_OK : fm_win32_fail(e);
  InitOnceComplete(&once, done ? 0 : INIT_ONCE_INIT_FAILED, NULL);
  return code;
}

#endif
