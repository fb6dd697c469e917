/**
 * Whether what npm installed is what the lockfile asks for. Optional packages of other platforms may be absent, and packages
 * installed besides do no harm.
 *
 * @param {string} lockfile Text of package-lock.json.
 * @param {string} installed Text of node_modules/.package-lock.json, which npm writes when it has finished.
 */
const isInstalled = (lockfile, installed) => {
  const present = JSON.parse(installed).packages;
  return Object.entries(JSON.parse(lockfile).packages).every(([path, wanted]) => {
    const found = present[path];
    if (path === '' || (!found && wanted.optional)) return true;
    return found?.version === wanted.version && found?.integrity === wanted.integrity;
  });
};

module.exports = { isInstalled };
