--[[
  Moves or removes a hint that is still as it was seen.

  KEYS[1]  hints (sorted set: upload, by when to look at it)

  ARGV[1]  upload
  ARGV[2]  when to look at it, as seen
  ARGV[3]  when to look at it from now on, or empty for never

  Returns  {'moved'}
           {'refused'}  no such hint, or another time
]]
local score = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not score or tonumber(score) ~= tonumber(ARGV[2]) then return { 'refused' } end

if ARGV[3] == '' then
  redis.call('ZREM', KEYS[1], ARGV[1])
else
  redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
end
return { 'moved' }
