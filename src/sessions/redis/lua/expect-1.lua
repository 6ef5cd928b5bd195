--[[
  Notes that an upload is about to be under way, and until when. Forgets notes that nobody has looked at for so
  long that their records are gone.

  KEYS[1]  uploads under way (sorted set: upload, by when to look at it)

  ARGV[1]  upload
  ARGV[2]  when to look at it, ms since the epoch
  ARGV[3]  notes of before that time are forgotten, ms since the epoch

  Returns  {'noted'}
]]
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. ARGV[3])
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
return { 'noted' }
