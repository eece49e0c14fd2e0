/* Files that are opened by CreateFile, for filemap.win32. */
#include "win32.h"

#if FM_SYSTEM_WINDOWS

#include <stdlib.h>

static int open_path(fm_open_file *f, bool *existed, const wchar_t *path, const fm_file_request *r,
                     bool inherit, void *security, fm_error *e)
{
  SECURITY_ATTRIBUTES attributes = {sizeof attributes, security, inherit};
  HANDLE handle = CreateFileW(path, r->access, r->share, &attributes, r->disposition, r->flags, NULL);
  const DWORD error = GetLastError();
  if (handle == INVALID_HANDLE_VALUE) return fm_fail_native(e, (long)error);
  f->handle = (intptr_t)handle;
  /* CREATE_ALWAYS and OPEN_ALWAYS report an existing file as an error. The other dispositions imply the
  ** answer. */
  *existed = error == ERROR_ALREADY_EXISTS || r->disposition == FM_OPEN_EXISTING
          || r->disposition == FM_TRUNCATE_EXISTING;
  return FM_OK;
}

int fm_sys_file_open(fm_open_file *f, bool *existed, const char *path, int access, const fm_file_request *r,
                     const fm_options *options, fm_error *e)
{
  wchar_t *wide = NULL;
  void *security = NULL;
  int code = fm_win32_path(&wide, path, e);
  if (code == FM_OK) code = fm_win32_read_sddl(&security, options->sddl, e);
  if (code == FM_OK) code = open_path(f, existed, wide, r, options->inherit, security, e);
  if (code == FM_OK) f->access = access;
  LocalFree(security);
  free(wide);
  return code;
}

void fm_sys_file_close(fm_open_file *f)
{
  CloseHandle(fm_win32_handle(f->handle));
}

#endif
