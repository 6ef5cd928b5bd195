--[[
  Sees to it that an upload about to be claimed is looked at when the lease will have ended. What a claim
  that then fails writes here must not put the look off, but for a millisecond: by another score than
  it has seen, whoever is about to move or remove the hint sees that it is still wanted.

  KEYS[1]  hints (sorted set: upload, by when to look at it)

  ARGV[1]  upload
  ARGV[2]  now, ms since the epoch
  ARGV[3]  end of the lease, ms since the epoch

  Returns  {'hinted'}
]]
local now, look = tonumber(ARGV[2]), tonumber(ARGV[3])
local score = redis.call('ZSCORE', KEYS[1], ARGV[1])
if score then
  score = tonumber(score)
  look = math.min(look, math.max(score + 1, now))
  if look == score then look = look - 1 end
end
redis.call('ZADD', KEYS[1], look, ARGV[1])
return { 'hinted' }
