/* Lost pages. If Windows cannot read a page of a mapped file, because the disk or the network failed, the
** access raises an exception. The handler in this file handles it for this library's mappings only. It maps
** zeros in place of the whole mapping, so that the access can continue, and sets the mapping's mark, which
** the view checks after the access. */
#include "win32.h"
#include "../../base/test_hook.h"

#if FM_SYSTEM_WINDOWS

static fm_find_mapped find_mapped;

static bool map_zeros(const fm_mapped *m)
{
  if (!UnmapViewOfFile(m->base)) return false;
  FM_TEST_HOOK("unmapped");
  return VirtualAlloc(m->base, m->length, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE) != NULL;
}

/* The first thread that accesses a lost page maps the zeros. Other threads retry their accesses until it has
** done so. In between they may get another exception, that of memory that is not mapped. */
static LONG CALLBACK on_exception(EXCEPTION_POINTERS *info)
{
  enum { EXECUTING = 8 }; /* the access was the execution of memory that is not executable */
  const EXCEPTION_RECORD *x = info->ExceptionRecord;
  const bool is_lost_page = x->ExceptionCode == (DWORD)EXCEPTION_IN_PAGE_ERROR;
  if ((!is_lost_page && x->ExceptionCode != (DWORD)EXCEPTION_ACCESS_VIOLATION) || x->NumberParameters < 2 ||
      x->ExceptionInformation[0] == EXECUTING)
    return EXCEPTION_CONTINUE_SEARCH;
  fm_mapped *m = find_mapped((const void *)x->ExceptionInformation[1]);
  if (!m || (!is_lost_page && !m->lost)) return EXCEPTION_CONTINUE_SEARCH;
  /* `lost` is set before the zeros are mapped, since another thread may read them at once. */
  if (InterlockedExchange((volatile LONG *)(volatile void *)&m->lost, 1)) SwitchToThread();
  else if (!map_zeros(m)) return EXCEPTION_CONTINUE_SEARCH;
  return EXCEPTION_CONTINUE_EXECUTION;
}

/* The handler stays installed until the process ends, so the module must stay loaded. */
int fm_sys_handle_lost_pages(fm_find_mapped find, fm_error *e)
{
  static INIT_ONCE once = INIT_ONCE_STATIC_INIT;
  BOOL pending;
  HMODULE self;
  if (!InitOnceBeginInitialize(&once, 0, &pending, NULL)) return fm_win32_fail(e);
  if (!pending) return FM_OK;
  find_mapped = find;
  const DWORD flags = GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN;
  const bool done = GetModuleHandleExW(flags, (LPCWSTR)&once, &self)
                 && AddVectoredExceptionHandler(1, on_exception) != NULL;
  const int code = done ? FM_OK : fm_win32_fail(e);
  InitOnceComplete(&once, done ? 0 : INIT_ONCE_INIT_FAILED, NULL);
  return code;
}

#endif
