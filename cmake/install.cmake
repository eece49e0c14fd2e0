# Installs the C library with its package config and pkg-config files, and the Lua modules.
include(CMakePackageConfigHelpers)
set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/filemap)
set(libraries filemap filemap_static)
set(headers include/filemap.h)
set(pkg_config_files filemap)
if(FILEMAP_LUA)
  list(APPEND libraries filemap_lua)
  list(APPEND headers include/filemap_lua.h)
  list(APPEND pkg_config_files filemap-lua)
  install(TARGETS filemap_core LIBRARY DESTINATION lib/lua/${FILEMAP_LUA_VERSION}/filemap)
  install(DIRECTORY lua/ DESTINATION share/lua/${FILEMAP_LUA_VERSION} FILES_MATCHING PATTERN "*.lua")
  # An addon for editors with LuaLS.
  install(DIRECTORY types/ DESTINATION share/filemap/types)
endif()

# LuaJIT looks for modules where Lua 5.1 does.
if(FILEMAP_LUAJIT)
  install(DIRECTORY luajit/ DESTINATION share/lua/5.1 FILES_MATCHING PATTERN "*.lua")
endif()

install(TARGETS ${libraries} EXPORT filemap
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
  RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES ${headers} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT filemap NAMESPACE filemap:: FILE filemapTargets.cmake DESTINATION ${package_folder})

# Before 1.0 each minor version is another ABI.
if(PROJECT_VERSION_MAJOR EQUAL 0)
  set(compatibility SameMinorVersion)
else()
  set(compatibility SameMajorVersion)
endif()
configure_package_config_file(cmake/filemapConfig.cmake.in ${CMAKE_BINARY_DIR}/package/filemapConfig.cmake
  INSTALL_DESTINATION ${package_folder} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/package/filemapConfigVersion.cmake
  COMPATIBILITY ${compatibility})
install(FILES
  ${CMAKE_BINARY_DIR}/package/filemapConfig.cmake
  ${CMAKE_BINARY_DIR}/package/filemapConfigVersion.cmake
  DESTINATION ${package_folder})

# The prefix in a pkg-config file is relative to the file, so that an installed tree can be moved.
file(RELATIVE_PATH to_prefix "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
string(REGEX REPLACE "/$" "" to_prefix "${to_prefix}")
set(system_flags "-ldl -pthread")
if(WIN32)
  set(system_flags "-ladvapi32")
endif()
foreach(name IN LISTS pkg_config_files)
  configure_file(cmake/${name}.pc.in ${CMAKE_BINARY_DIR}/package/${name}.pc @ONLY)
  install(FILES ${CMAKE_BINARY_DIR}/package/${name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endforeach()

# {-- The command ----------------------------------------------------------------------------------

# It needs argparse, dkjson, luasystem and lua-term.
if(FILEMAP_LUA)
  install(DIRECTORY cli/ DESTINATION share/lua/${FILEMAP_LUA_VERSION} FILES_MATCHING PATTERN "*.lua")
  # The command runs with the Lua that the modules are for.
  file(READ bin/filemap command)
  string(REPLACE "env lua5.4" "env lua${FILEMAP_LUA_VERSION}" command "${command}")
  file(CONFIGURE OUTPUT bin/filemap CONTENT "${command}" @ONLY NEWLINE_STYLE UNIX)
  install(PROGRAMS "${CMAKE_CURRENT_BINARY_DIR}/bin/filemap" DESTINATION bin)
  install(FILES doc/filemap.1 DESTINATION share/man/man1)
  install(FILES completion/filemap.bash DESTINATION share/bash-completion/completions RENAME filemap)
  install(FILES completion/_filemap DESTINATION share/zsh/site-functions)
  if(WIN32)
    install(PROGRAMS bin/filemap.cmd DESTINATION bin)
  endif()
endif()
