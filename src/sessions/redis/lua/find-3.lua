--[[
  The upload with its parts, as of one instant.

  KEYS[1]  uploads of the owner (hash: "r:" id = record, "d:" id = draft)
  KEYS[2]  parts of the upload
  KEYS[3]  odd ETags of the upload

  ARGV[1]  id
  ARGV[2]  now, ms since the epoch

  Returns  {'found', draft, record, parts, odd ETags}
           {'not-found'}
]]
local raw, draft = unpack(redis.call('HMGET', KEYS[1], 'r:' .. ARGV[1], 'd:' .. ARGV[1]))

if not raw or cjson.decode(raw).keepUntil <= tonumber(ARGV[2]) then return { 'not-found' } end

return { 'found', draft, raw, redis.call('GET', KEYS[2]), redis.call('HGETALL', KEYS[3]) }
