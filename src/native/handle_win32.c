/* CreateFile on Windows: the system's own. */
#include "win32.h"
#include "handle.h"

#if FM_SYSTEM_WIN32

#include <stdlib.h>

static int open_path(fm_file_handle *f, bool *existed, const wchar_t *path, const fm_file_request *r, bool inherit,
                     void *security, fm_error *e)
{
  SECURITY_ATTRIBUTES attributes = {sizeof attributes, security, inherit};
  HANDLE handle = CreateFileW(path, r->access, r->share, &attributes, r->disposition, r->flags, NULL);
  const DWORD error = GetLastError();
  if (handle == INVALID_HANDLE_VALUE) return fm_fail_native(e, (long)error);
  f->handle = (intptr_t)handle;
  /* Only these two tell whether they found it; the others need not. */
  *existed = error == ERROR_ALREADY_EXISTS || r->disposition == FM_OPEN_EXISTING
          || r->disposition == FM_TRUNCATE_EXISTING;
  return FM_OK;
}

int fm_sys_file_open(fm_file_handle *f, bool *existed, const fm_file_request *r, const fm_options *o, fm_error *e)
{
  wchar_t *path = NULL;
  void *security = NULL;
  int code = fm_win32_path(&path, f->path, e);
  if (code == FM_OK) code = fm_win32_read_sddl(&security, o->sddl, e);
  if (code == FM_OK) code = open_path(f, existed, path, r, o->inherit, security, e);
  LocalFree(security);
  free(path);
  return code;
}

void fm_sys_file_close(fm_file_handle *f)
{
  CloseHandle(fm_win32_handle(f->handle));
}

#endif
