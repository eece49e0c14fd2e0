@rem filemap for cmd.exe: runs the Lua script beside this file.
@lua "%~dp0filemap" %*
